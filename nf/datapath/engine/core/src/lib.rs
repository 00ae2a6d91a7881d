//! The engine: packets in, rows out, on any number of threads with one result.
//!
//! The way of a packet, one file each:
//! [`dispatch`] takes it apart and picks it out ([`parcel`]) → [`worker`] looks up its [`session`], follows
//! the [`transport`], [`feed`]s the dissection, and [`observe`]s what protocols say → rows ([`row`])
//! → [`merge`] puts the workers' rows in one order → [`finish`] names applications and filters
//! → [`format`] writes them. [`engine`] runs it all on threads; [`snapshot`] is the immutable
//! configuration it runs on; [`account`] proves that nothing is lost silently.

pub mod account;
pub mod aggregate;
pub mod catalog;
pub mod config;
pub mod dispatch;
pub mod engine;
mod feed;
pub mod finish;
pub mod format;
mod fragments;
pub mod hook;
mod links;
pub mod merge;
mod observe;
mod overview;
pub mod parcel;
pub mod path;
pub mod plan;
pub mod risk;
pub mod row;
pub mod session;
pub mod snapshot;
mod transport;
pub mod worker;
