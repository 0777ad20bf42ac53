//! What the example programs share: where the services are, who signs in, and how a program ends.

pub mod alone;
pub mod end;
pub mod key_file;
pub mod place;
pub mod product;
pub mod recorded;
pub mod table;
