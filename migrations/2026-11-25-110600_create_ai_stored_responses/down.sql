DROP TABLE ai_stored_responses;
