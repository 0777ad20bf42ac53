//! The HTTP pipeline of azconnect: authorization, retry by idempotency, throttling, pages and long-running operations over one Transport port.
