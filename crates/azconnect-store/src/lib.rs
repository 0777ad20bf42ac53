//! Journal, sealed secrets and leases for azconnect, in memory and in SQLite.
