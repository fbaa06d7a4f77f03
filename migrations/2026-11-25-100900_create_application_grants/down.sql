DROP FUNCTION bursar_grant_application(name);
DROP TABLE application_rights;
