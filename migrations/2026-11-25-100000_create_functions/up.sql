-- The instant that decides periods and expiries. Nothing that decides one may use another clock, and tests
-- shift time by replacing this function as its owner.
CREATE FUNCTION bursar_now() RETURNS timestamptz
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT statement_timestamp() $$;

-- The budget period that an instant lies in is its calendar month in UTC, half open.
CREATE FUNCTION bursar_period_start(instant timestamptz) RETURNS timestamptz
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$ SELECT date_trunc('month', instant AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' $$;

CREATE FUNCTION bursar_period_end(instant timestamptz) RETURNS timestamptz
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
        SELECT (date_trunc('month', instant AT TIME ZONE 'UTC') + interval '1 month') AT TIME ZONE 'UTC'
    $$;

-- A UUID of version 7 (RFC 9562, method 3): 48 bits of milliseconds, 12 bits of their fraction, the rest
-- random. For rows that the database makes by itself, so that they sort by their time.
CREATE FUNCTION bursar_uuid_v7() RETURNS uuid
    LANGUAGE sql VOLATILE PARALLEL SAFE
    AS $$
        SELECT (
            lpad(to_hex(micros / 1000), 12, '0')
            || '7' || lpad(to_hex((micros % 1000) * 4096 / 1000), 3, '0')
            || right(replace(gen_random_uuid()::text, '-', ''), 16)
        )::uuid
        FROM (SELECT floor(extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS micros) AS clock
    $$;
