DROP TABLE budget_cap_mirrors;
