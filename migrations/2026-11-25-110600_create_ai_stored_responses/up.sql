-- Whose it is that a provider keeps: responses that can be continued and items that a request may name, each by the
-- id that the provider gave it. All people share the provider's one key, so only this table tells them apart.
-- No foreign keys: a row that nobody asks for any more ends by its age.
CREATE TABLE ai_stored_responses (
    provider_id uuid NOT NULL,
    stored_id text NOT NULL,
    user_id uuid NOT NULL,
    created_at timestamptz NOT NULL DEFAULT bursar_now(),
    -- One id is one person's.
    PRIMARY KEY (provider_id, stored_id)
);
CREATE INDEX ai_stored_responses_user_id_idx ON ai_stored_responses (user_id);
CREATE INDEX ai_stored_responses_created_at_idx ON ai_stored_responses (created_at);
