//! Tokens from Microsoft Entra ID, a token cache that never makes one scope wait for another, and the proof that a secret works.
