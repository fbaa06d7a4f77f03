DROP FUNCTION bursar_grant_application(name);
