//! Whole lines of an output that is read in pieces, and that may break off and be read again from its beginning.

use std::{io, pin::pin};

use futures::{AsyncBufRead, AsyncBufReadExt as _};
use hourglass_timeline::{Line, Lines};
use tokio::task::coop::consume_budget;

/// Passes on each line of an output, including a last line without a line end.
pub(super) async fn each_line(output: impl AsyncBufRead, mut on_line: impl FnMut(&Line)) -> io::Result<()> {
    let (ended, rest) = each_line_after(&mut 0, output, &mut on_line).await;
    if let Some(line) = &rest {
        on_line(line);
    }
    ended
}

/// Hands over each whole line of an output that is read from its beginning, but for the first `read` lines, which then counts
/// those that were handed over as well. Gives how the output ended, and what came after the last line end.
pub(super) async fn each_line_after(
    read: &mut usize,
    output: impl AsyncBufRead,
    mut on_line: impl FnMut(&Line),
) -> (io::Result<()>, Option<Line>) {
    let (mut output, mut lines, mut count) = (pin!(output), Lines::default(), 0);
    let ended = loop {
        let chunk = match output.fill_buf().await {
            Ok([]) => break Ok(()),
            Ok(chunk) => chunk,
            Err(error) => break Err(error),
        };
        let (mut rest, length) = (chunk, chunk.len());
        while let Some(line) = lines.take(&mut rest) {
            count += 1;
            if count > *read {
                *read = count;
                on_line(&line);
            }
        }
        output.as_mut().consume(length);
        // A container that writes without end must not starve the others.
        consume_budget().await;
    };
    (ended, lines.rest())
}

#[cfg(test)]
mod tests {
    use futures::{
        TryStreamExt as _,
        io::{BufReader, Cursor},
        stream,
    };

    use super::*;

    /// The last error of a pod counts, with or without a line end.
    #[tokio::test]
    async fn a_last_line_without_a_line_end_is_read() {
        let output = BufReader::with_capacity(3, Cursor::new("one\ntwo\r\nrest"));
        let mut lines = Vec::new();
        each_line(output, |line| lines.push(line.text.clone())).await.unwrap();
        assert_eq!(lines, ["one", "two", "rest"]);
    }

    /// Neither is a line lost that was cut in two, nor one told twice.
    #[tokio::test]
    async fn an_output_that_broke_off_goes_on_where_it_was() {
        let broken = [Ok("one\ntwo\nth"), Err(io::ErrorKind::ConnectionReset.into())];
        let broken = stream::iter(broken).into_async_read();
        let again = BufReader::with_capacity(5, Cursor::new("one\ntwo\nthree\nfour"));
        let (mut read, mut lines) = (0, Vec::new());
        let (ended, _) = each_line_after(&mut read, broken, |line| lines.push(line.text.clone())).await;
        assert_eq!((ended.unwrap_err().kind(), read), (io::ErrorKind::ConnectionReset, 2));
        let (ended, rest) = each_line_after(&mut read, again, |line| lines.push(line.text.clone())).await;
        ended.unwrap();
        lines.extend(rest.map(|line| line.text.clone()));
        assert_eq!(lines, ["one", "two", "three", "four"]);
    }
}
