//! Requests to a chain over plain HTTP.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
};

use hourglass_test_support::LIMIT;
use serde_json::{Value, json};

/// The result that the chain at this address gives, which may begin with `http://`.
pub(crate) fn ask(url: &str, method: &str, params: &Value) -> Value {
    let address = url.trim_start_matches("http://");
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string();
    let mut stream = TcpStream::connect(address).unwrap();
    // A chain that hangs must not hang the test.
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    let length = body.len();
    write!(
        stream,
        "POST / HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    serde_json::from_str::<Value>(body).unwrap()["result"].clone()
}
