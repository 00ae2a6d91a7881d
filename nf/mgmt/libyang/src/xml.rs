//! XML from the network before any schema is asked: read by a parser that knows no entities and no
//! document types, so that operations are seen where libyang would only see a wrong value.

use roxmltree::{Document, Node, ParsingOptions};

use crate::bounds;
use crate::problem::{Error, Problem};

/// Namespace of NETCONF's own elements and of the `operation` attribute (RFC 6241).
pub(crate) const NETCONF: &str = "urn:ietf:params:xml:ns:netconf:base:1.0";
/// Namespace of `insert`, `key` and `value` (RFC 7950, section 7.8.6).
pub(crate) const YANG: &str = "urn:ietf:params:xml:ns:yang:1";
/// Namespace of the `default` attribute (RFC 6243).
pub(crate) const WITH_DEFAULTS: &str = "urn:ietf:params:xml:ns:netconf:default:1.0";

/// Most nodes of one document.
const MAX_NODES: u32 = 20_000_000;

/// Wraps siblings into one element, since a document has one.
pub(crate) fn wrapped(data: &[u8]) -> Result<String, Error> {
    bounds::check_xml(data)?;
    let text = std::str::from_utf8(data).map_err(|e| {
        let what = format!("the input is not UTF-8 from octet {} on", e.valid_up_to());
        Error::from(Problem::new("malformed-message", what))
    })?;
    let mut text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.starts_with("<?xml") {
        text = text.split_once("?>").map_or("", |(_, rest)| rest);
    }
    Ok(format!("<siblings>{text}</siblings>"))
}

/// Reads a document made by [`wrapped`].
pub(crate) fn parse(text: &str) -> Result<Document<'_>, Error> {
    let options = ParsingOptions { allow_dtd: false, nodes_limit: MAX_NODES, ..Default::default() };
    let document = Document::parse_with_options(text, options).map_err(|e| {
        let line = e.pos().row;
        Error::from(
            Problem::new("malformed-message", format!("not well-formed: {e}")).on_line(line),
        )
    })?;
    Ok(document)
}

/// The child elements.
pub(crate) fn elements<'a, 'i>(node: Node<'a, 'i>) -> impl Iterator<Item = Node<'a, 'i>> {
    node.children().filter(Node::is_element)
}

/// All character data directly inside an element.
pub(crate) fn text(node: Node<'_, '_>) -> String {
    node.children().filter(Node::is_text).filter_map(|t| t.text()).collect()
}

/// The line an element begins on.
pub(crate) fn line(node: Node<'_, '_>) -> u32 {
    // Positions are counted from the start of the text each time: for errors only.
    node.document().text_pos_at(node.range().start).row
}

/// Text as XML character data.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\r' => out.push_str("&#13;"),
            _ => out.push(c),
        }
    }
    out
}

/// An element's start tag without its attributes, but with every namespace in scope, and its end
/// tag: what is put in between means what it meant in the document.
pub(crate) fn tags(node: Node<'_, '_>) -> (String, String) {
    let namespace = node.tag_name().namespace();
    let local = node.tag_name().name();
    let name = if node.default_namespace() == namespace {
        local.to_string()
    } else {
        match namespace.and_then(|uri| node.lookup_prefix(uri)) {
            Some(prefix) => format!("{prefix}:{local}"),
            None => local.to_string(),
        }
    };
    let mut start = format!("<{name}");
    for declared in node.namespaces() {
        let uri = escaped(declared.uri());
        match declared.name() {
            None => start.push_str(&format!(" xmlns=\"{uri}\"")),
            Some("xml") => {}
            Some(prefix) => start.push_str(&format!(" xmlns:{prefix}=\"{uri}\"")),
        }
    }
    start.push('>');
    (start, format!("</{name}>"))
}

/// The source text between an element's tags.
pub(crate) fn inner<'i>(node: Node<'_, 'i>) -> &'i str {
    let text = node.document().input_text();
    match (node.first_child(), node.last_child()) {
        (Some(first), Some(last)) => {
            text.get(first.range().start..last.range().end).unwrap_or_default()
        }
        _ => "",
    }
}
