//! Applications, secrets and service principals of Microsoft Graph, with the errors and replication of the real service in mind.
