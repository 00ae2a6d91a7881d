//! Times what management does with a tree of 100,000 leaves: 25,000 enclosures of the test model.
//! `cargo run --release -p nf-libyang --example measure [ROWS]`

use std::time::Instant;

use nf_libyang::{Context, DefaultOperation, Defaults, Error, ErrorOption, Format, Kind, Tree};

/// Runs a job some times and prints its fastest and its middle time.
fn timed<T>(
    name: &str,
    rounds: usize,
    mut job: impl FnMut() -> Result<T, Error>,
) -> Result<T, Error> {
    let mut times = Vec::new();
    let mut last = None;
    for _ in 0..rounds.max(1) {
        let start = Instant::now();
        last = Some(job()?);
        times.push(start.elapsed());
    }
    times.sort();
    println!("{name:<36} best {:>9.3?}  median {:>9.3?}", times[0], times[times.len() / 2]);
    Ok(last.expect("at least one round"))
}

fn main() -> Result<(), Error> {
    let rows: usize = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(25_000);
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/yang").to_string();
    let zoo = Context::load(
        &[folder],
        &[("zoo-types".to_string(), vec![]), ("zoo".to_string(), vec![])],
    )?;
    let mut text = "<zoo xmlns='urn:example:zoo'>".to_string();
    for n in 0..rows {
        text.push_str(&format!(
            "<enclosure><name>e{n}</name><size>{n}</size><animal><species xmlns:t='urn:example:zoo-types'>\
             t:lion</species><nr>1</nr></animal></enclosure>"
        ));
    }
    text.push_str("</zoo>");
    let parse = || Tree::parse(&zoo, text.as_bytes(), Format::Xml, Kind::Config);
    let mut tree = timed("parse XML", 5, parse)?;
    println!("{} nodes, {} octets", tree.len(), text.len());
    timed("validate the first time", 1, || tree.validate(false))?;
    timed("validate again", 5, || tree.validate(false))?;
    timed("copy and free", 5, || tree.copy())?;
    timed("print XML", 5, || tree.print(Format::Xml, Defaults::Explicit, false))?;
    let row = rows / 2;
    let mut value = 0;
    let mut edited = || {
        value += 1;
        let edit = format!(
            "<zoo xmlns='urn:example:zoo'><enclosure><name>e{row}</name><size>{value}</size></enclosure></zoo>"
        );
        tree.edit(edit.as_bytes(), DefaultOperation::Merge, ErrorOption::RollbackOnError)
            .map_err(|failure| failure.error)
    };
    let diff = timed("edit one leaf, with its diff", 200, &mut edited)?;
    let back = timed("reverse that diff", 200, || diff.reversed())?;
    timed("apply there and back", 200, || tree.apply(&back).and_then(|()| tree.apply(&diff)))?;
    timed("validate after one edit", 5, || tree.validate(false))?;
    let other = tree.copy()?;
    tree.set(&format!("/zoo:zoo/enclosure[name='e{row}']/size"), Some("7"))?;
    timed("compare two whole trees", 3, || other.diff(&tree))?;
    let xpath = format!("/zoo:zoo/enclosure[name='e{row}']");
    timed("select one row by XPath", 50, || tree.select_xpath(&xpath))?;
    let filter =
        format!("<zoo xmlns='urn:example:zoo'><enclosure><name>e{row}</name></enclosure></zoo>");
    timed("select one row by subtree filter", 50, || tree.select_subtree(filter.as_bytes()))?;
    timed("get one leaf", 200, || tree.get(&format!("{xpath}/size")))?;
    timed("everything as plain values", 3, || tree.to_data(None, true))?;
    Ok(())
}
