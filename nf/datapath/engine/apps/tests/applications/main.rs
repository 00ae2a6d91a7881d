//! Applications as their users meet them: what comes with the engine, files, look-ups.

mod builtin;
mod clues;
mod files;
mod lookups;

use nf_apps::Apps;

/// The word of the application `host` belongs to.
fn of<'a>(apps: &'a Apps, host: &str) -> Option<&'a str> {
    apps.lookup(host.as_bytes()).and_then(|app| apps.get(app)).map(|app| &*app.name)
}
