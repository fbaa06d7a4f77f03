DROP TABLE users;
DROP TABLE deployment;
