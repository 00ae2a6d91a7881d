//! The filter language as its users meet it: texts in, answers or mistakes out.

mod any_text;
mod grammar;
mod mistakes;
mod operators;
mod record;
mod sessions;
