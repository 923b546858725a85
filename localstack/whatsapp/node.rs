//! Reading and building stanzas (binary nodes).

use wacore_binary::{Jid, Node, NodeContent, NodeValue, Server, builder::NodeBuilder};

/// What the sandbox reads from a stanza. Clients send short contents as text or as bytes, so both
/// read alike.
pub trait NodeExt {
    /// An attribute as text; empty when absent.
    fn text(&self, key: &str) -> String;
    /// An attribute as a JID.
    fn jid(&self, key: &str) -> Option<Jid>;
    /// An attribute as it is, to be passed on.
    fn raw(&self, key: &str) -> Option<NodeValue>;
    /// The first child with that tag.
    fn child(&self, tag: &str) -> Option<&Node>;
    /// All children, whatever their tag.
    fn nodes(&self) -> &[Node];
    /// The content as bytes; empty when there is none.
    fn content_bytes(&self) -> Vec<u8>;
    /// The content of the first child with that tag.
    fn child_bytes(&self, tag: &str) -> Option<Vec<u8>>;
}

impl NodeExt for Node {
    fn text(&self, key: &str) -> String {
        self.attrs.get(key).map(|value| value.as_str().into_owned()).unwrap_or_default()
    }

    fn jid(&self, key: &str) -> Option<Jid> {
        self.attrs.get(key)?.to_jid()
    }

    fn raw(&self, key: &str) -> Option<NodeValue> {
        self.attrs.get(key).cloned()
    }

    fn child(&self, tag: &str) -> Option<&Node> {
        self.get_optional_child(tag)
    }

    fn nodes(&self) -> &[Node] {
        self.children().unwrap_or_default()
    }

    fn content_bytes(&self) -> Vec<u8> {
        match &self.content {
            Some(NodeContent::Bytes(bytes)) => bytes.clone(),
            Some(NodeContent::String(text)) => text.as_bytes().to_vec(),
            _ => Vec::new(),
        }
    }

    fn child_bytes(&self, tag: &str) -> Option<Vec<u8>> {
        self.child(tag).map(NodeExt::content_bytes)
    }
}

/// Starts a stanza.
pub fn node(tag: &'static str) -> NodeBuilder {
    NodeBuilder::new(tag)
}

/// A child that holds bytes.
pub fn bytes(tag: &'static str, value: impl Into<Vec<u8>>) -> Node {
    node(tag).bytes(value).build()
}

/// The server's own JID. On the wire it must be a pair with an empty user, not a plain text.
pub fn server_jid() -> Jid {
    Jid::new("", Server::Pn)
}

/// The positive answer to an `iq`.
pub fn result(request: &Node, children: impl IntoIterator<Item = Node>) -> Node {
    let answer = node("iq")
        .attr("from", request.raw("to").unwrap_or_else(|| server_jid().into()))
        .attr("type", "result")
        .attr("id", request.text("id"));
    let children: Vec<_> = children.into_iter().collect();
    if children.is_empty() { answer.build() } else { answer.children(children).build() }
}

/// The negative answer to an `iq`.
pub fn error(request: &Node, code: u16, text: &'static str) -> Node {
    node("iq")
        .attr("from", request.raw("to").unwrap_or_else(|| server_jid().into()))
        .attr("type", "error")
        .attr("id", request.text("id"))
        .children([node("error").attr("code", code).attr("text", text).build()])
        .build()
}

/// A big-endian number of at most four bytes, as registration and key ids are sent.
pub fn be_number(bytes: &[u8]) -> u32 {
    bytes.iter().take(4).fold(0, |number, byte| (number << 8) | u32::from(*byte))
}

/// A key id as three big-endian bytes.
pub fn be3(id: u32) -> Vec<u8> {
    id.to_be_bytes()[1..].to_vec()
}
