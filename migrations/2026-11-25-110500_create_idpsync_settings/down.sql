DROP TRIGGER unmap_custom_role ON custom_roles;
DROP FUNCTION unmap_custom_role();
DROP TABLE idpsync_settings;
