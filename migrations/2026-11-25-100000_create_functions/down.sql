DROP FUNCTION bursar_uuid_v7();
DROP FUNCTION bursar_period_end(timestamptz);
DROP FUNCTION bursar_period_start(timestamptz);
DROP FUNCTION bursar_now();
