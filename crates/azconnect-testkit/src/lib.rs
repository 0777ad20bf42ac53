//! Conformance suites for every azconnect port, clocks under the test's control, and the canary that catches a leaked secret.
