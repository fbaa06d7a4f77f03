//! How an identity provider's claims become organizations, groups and roles.
