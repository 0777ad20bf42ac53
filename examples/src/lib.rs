//! What the example programs share: where the services are, who signs in, what a page looks like, and how a program ends.

pub mod alone;
pub mod document;
pub mod end;
pub mod journal;
pub mod key_file;
pub mod log;
pub mod page;
pub mod place;
pub mod product;
pub mod recorded;
pub mod short;
pub mod stop;
pub mod table;
pub mod turn;
pub mod when;
