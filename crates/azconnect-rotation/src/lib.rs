//! Crash-safe rotation of client secrets: mint, seal, prove, push, verify, and only then retire.
