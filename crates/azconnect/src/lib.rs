//! Connect a product to its customers' Azure: credentials, service connections and crash-safe rotation, behind traits.
