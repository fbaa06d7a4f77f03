DELETE FROM application_rights WHERE table_name = 'ai_price_book';
DROP TABLE ai_model_aliases;
DROP TABLE ai_model_prices;
DROP FUNCTION raise_price_book_version();
DROP TABLE ai_price_book;
