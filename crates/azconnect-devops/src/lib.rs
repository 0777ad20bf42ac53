//! Azure DevOps service connections as documents that lose no field: read, update, test, and receive rotated secrets.
