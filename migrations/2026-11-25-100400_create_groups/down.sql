DROP VIEW group_members_expanded;
DROP TABLE group_members;
DROP TRIGGER everyone_group ON organizations;
DROP FUNCTION create_everyone_group();
DROP TABLE groups;
