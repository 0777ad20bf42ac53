//! The credential model of azconnect: what a product stores about a connection, and the ports that mint, push, verify and retire a secret.
