-- How often prices or aliases changed. Servers keep the price book that they made of them for as long as this number
-- stands, and read it with every request. One row.
CREATE TABLE ai_price_book (
    id text PRIMARY KEY DEFAULT 'ai_price_book',
    version bigint NOT NULL DEFAULT 0,
    -- There is one row.
    CONSTRAINT ai_price_book_id_check CHECK (id = 'ai_price_book')
);
INSERT INTO ai_price_book DEFAULT VALUES;

-- Prices that this deployment set itself: they win over those that the program brings, which are no rows. Micros of a
-- dollar per million tokens; fees per thousand calls. NULL is not known, 0 is free.
CREATE TABLE ai_model_prices (
    id uuid PRIMARY KEY DEFAULT bursar_uuid_v7(),
    provider text NOT NULL,
    model text NOT NULL,
    -- The instant from which on they hold; NULL is always.
    effective_from timestamptz,
    input_price bigint,
    output_price bigint,
    cache_read_price bigint,
    -- Of a cache that lives five minutes.
    cache_write_price bigint,
    cache_write_1h_price bigint,
    audio_input_price bigint,
    audio_output_price bigint,
    web_search_price bigint,
    request_price bigint,
    -- What changes for a whole request whose prompt has a number of tokens: [{"starts_at", "prices"}], ascending.
    tiers jsonb NOT NULL DEFAULT '[]',
    context_window bigint,
    max_output_tokens bigint,
    created_at timestamptz NOT NULL DEFAULT bursar_now(),
    updated_at timestamptz NOT NULL DEFAULT bursar_now(),
    -- The types of providers.
    CONSTRAINT ai_model_prices_provider_check CHECK (provider IN ('openai', 'anthropic', 'openai-compatible')),
    -- A name that requests can bring.
    CONSTRAINT ai_model_prices_model_check CHECK (model <> '' AND octet_length(model) <= 256),
    -- A set without a price of tokens would make what is not known free.
    CONSTRAINT ai_model_prices_priced_check CHECK (coalesce(input_price, output_price) IS NOT NULL),
    -- Nobody is paid for a request, and a window of no tokens takes none. What is NULL does not count here.
    CONSTRAINT ai_model_prices_amounts_check CHECK (least(
        input_price, output_price, cache_read_price, cache_write_price, cache_write_1h_price, audio_input_price,
        audio_output_price, web_search_price, request_price, context_window - 1, max_output_tokens - 1) >= 0),
    -- What is in the list was read before it was written.
    CONSTRAINT ai_model_prices_tiers_check CHECK (jsonb_typeof(tiers) = 'array')
);

-- One set of prices a model and instant, without regard to case.
CREATE UNIQUE INDEX ai_model_prices_key
    ON ai_model_prices (provider, lower(model), coalesce(effective_from, '-infinity'::timestamptz));

-- Names that a model goes by elsewhere, and the model whose prices hold for them. What an alias leads to is never
-- looked up as an alias again.
CREATE TABLE ai_model_aliases (
    id uuid PRIMARY KEY DEFAULT bursar_uuid_v7(),
    provider text NOT NULL,
    -- A name, or a pattern in which `*` stands for any text.
    provider_model text NOT NULL,
    priced_model text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT bursar_now(),
    updated_at timestamptz NOT NULL DEFAULT bursar_now(),
    -- As for prices.
    CONSTRAINT ai_model_aliases_provider_check CHECK (provider IN ('openai', 'anthropic', 'openai-compatible')),
    -- A pattern without a letter would stand for every model.
    CONSTRAINT ai_model_aliases_provider_model_check
        CHECK (translate(provider_model, '*', '') <> '' AND octet_length(provider_model) <= 256),
    -- A model's own name, never a pattern.
    CONSTRAINT ai_model_aliases_priced_model_check
        CHECK (priced_model <> '' AND octet_length(priced_model) <= 256 AND strpos(priced_model, '*') = 0)
);

-- A name leads to one model, without regard to case.
CREATE UNIQUE INDEX ai_model_aliases_key ON ai_model_aliases (provider, lower(provider_model));

-- Raises the version before a statement changes anything: so those who change prices do it one after the other, and
-- never wait for each other in a circle.
CREATE FUNCTION raise_price_book_version() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp
    AS $$
BEGIN
    UPDATE public.ai_price_book SET version = version + 1;
    RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION raise_price_book_version() FROM PUBLIC;

CREATE TRIGGER raise_price_book_version
    BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON ai_model_prices
    FOR EACH STATEMENT EXECUTE FUNCTION raise_price_book_version();
CREATE TRIGGER raise_price_book_version
    BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON ai_model_aliases
    FOR EACH STATEMENT EXECUTE FUNCTION raise_price_book_version();

CREATE TRIGGER audit_ai_model_prices
    AFTER INSERT OR UPDATE OR DELETE ON ai_model_prices
    FOR EACH ROW EXECUTE FUNCTION audit_row('ai_model_price', 'id', 'model', '', 'created_at,updated_at', '');
CREATE TRIGGER audit_ai_model_aliases
    AFTER INSERT OR UPDATE OR DELETE ON ai_model_aliases
    FOR EACH ROW EXECUTE FUNCTION
        audit_row('ai_model_price', 'id', 'provider_model', '', 'created_at,updated_at', '');

-- The version is raised by the triggers only.
INSERT INTO application_rights (table_name, rights) VALUES ('ai_price_book', 'SELECT');
