//! Vectors of words or tokens from a file, which those of a network start from.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use super::decide;
use super::facts::Facts;
use super::texts::TOKEN_VECTORS;
use crate::data::preprocess::{Tokenizer, Transform};
use crate::data::words::normalised;
use crate::error::{Error, ErrorKind, Result};
use crate::event::Decision;
use crate::io::atomic;
use crate::io::safetensors::foreign;
use crate::network::Network;
use crate::tensor::{Dtype, Tensor};

/// The tensor of a safetensors file that has the vectors, a token a row.
const TENSOR: &str = "embeddings";

/// The vectors of a file for the tokens of each column of texts.
#[derive(Debug)]
pub(super) struct Vectors {
    /// The numbers of each.
    pub(super) dimension: usize,
    /// For each column the vector of each token, where there is one.
    columns: Vec<Vec<Option<Vec<f32>>>>,
}

/// The vectors that the configuration names, if any.
///
/// # Errors
/// If the file cannot be read, its vectors differ in length, or it has none of the texts' tokens.
pub(super) fn read(facts: &Facts, decisions: &mut Vec<Decision>) -> Result<Option<Vectors>> {
    let Some(path) = &facts.config.preprocess.embeddings else { return Ok(None) };
    let (names, tokenizers): (Vec<&str>, Vec<&Tokenizer>) = facts
        .data
        .pipeline
        .inputs
        .iter()
        .filter_map(|input| match &input.transform {
            Transform::Tokens(tokens) => Some((input.column.as_str(), &tokens.tokenizer)),
            _ => None,
        })
        .unzip();
    if names.is_empty() {
        let error = Error::config("vectors are given for texts, and no column is one").at("preprocess.embeddings");
        return Err(error.fix("say which column is a text with [kinds=NAME=text], or leave [embeddings] out"));
    }
    let vectors = if Path::new(path).extension().is_some_and(|ending| ending == "safetensors") {
        by_token(path, &tokenizers)?
    } else {
        by_word(path, &tokenizers)?
    };
    for ((name, tokenizer), column) in names.iter().zip(&tokenizers).zip(&vectors.columns) {
        let (found, known) = (column.iter().flatten().count(), tokenizer.count() - 1);
        if found == 0 {
            let message = format!("none of the {known} words or tokens of the column {name:?} has a vector");
            return Err(Error::data(message).at(path).fix("name vectors of the texts' language with [embeddings]"));
        }
        let what = format!("{found} of {known} words or tokens of {name} start from vectors of {}", vectors.dimension);
        decide(decisions, what, format!("{path} has them"), "[embeddings]");
    }
    Ok(Some(vectors))
}

impl Vectors {
    /// θ as it is drawn, but for the vectors that are known.
    pub(super) fn start(&self, network: &Network, seed: u64, dtype: Dtype) -> Tensor {
        let mut theta = network.initialize(seed, dtype);
        let tables = network.layout().entries().iter().filter(|entry| entry.name.ends_with(TOKEN_VECTORS));
        // Each member of an ensemble has a table for each column.
        for (entry, column) in tables.zip(self.columns.iter().cycle()) {
            let mut table = theta.view_mut().part(entry.start, entry.shape);
            for (token, vector) in column.iter().enumerate() {
                for (j, x) in vector.iter().flatten().enumerate() {
                    table.set(token * self.dimension + j, f64::from(*x));
                }
            }
        }
        theta
    }
}

fn unread(path: &str, error: &std::io::Error) -> Error {
    Error::io(ErrorKind::Data, path, "read the vectors", error).fix("name a file of vectors with [embeddings]")
}

/// Vectors of words, a word and its numbers a line; the first line may have their count and their dimension instead.
fn by_word(path: &str, tokenizers: &[&Tokenizer]) -> Result<Vectors> {
    let mut wanted: HashMap<String, Vec<(usize, usize)>> = HashMap::new();
    let mut columns: Vec<Vec<Option<Vec<f32>>>> = Vec::new();
    for (column, tokenizer) in tokenizers.iter().enumerate() {
        columns.push(vec![None; tokenizer.count()]);
        for token in 1..tokenizer.count() {
            if let Some(piece) = tokenizer.piece(token) {
                wanted.entry(normalised(&piece)).or_default().push((column, token));
            }
        }
    }
    let mut dimension = None;
    let lines = BufReader::new(File::open(path).map_err(|error| unread(path, &error))?).split(b'\n');
    for (number, line) in (1..).zip(lines) {
        let line = line.map_err(|error| unread(path, &error))?;
        let line = String::from_utf8_lossy(&line);
        let line = line.trim_end();
        let wrong = |found: String| {
            let fix = "give a word and as many numbers as in the first line on each line, with spaces between";
            Error::data(found).at(format!("{path}, line {number}")).fix(fix)
        };
        let Some(d) = dimension else {
            let fields: Vec<&str> = line.split(SPACES).collect();
            let counts = fields.iter().filter_map(|field| field.parse::<usize>().ok()).collect::<Vec<_>>();
            if let ([_, d], 2) = (&counts[..], fields.len()) {
                dimension = Some(*d);
                continue;
            }
            dimension = Some(fields.len() - 1);
            take(line, fields.len() - 1, &wanted, &mut columns).map_err(wrong)?;
            continue;
        };
        if !line.is_empty() {
            take(line, d, &wanted, &mut columns).map_err(wrong)?;
        }
    }
    Ok(Vectors { dimension: dimension.unwrap_or(0), columns })
}

const SPACES: [char; 2] = [' ', '\t'];

/// Keeps a line's vector of d numbers where its word is wanted and has none; an error says what was found.
fn take(
    line: &str,
    d: usize,
    wanted: &HashMap<String, Vec<(usize, usize)>>,
    columns: &mut [Vec<Option<Vec<f32>>>],
) -> Result<(), String> {
    let numbers = line.rsplitn(d + 1, SPACES);
    let word = numbers.clone().nth(d).filter(|_| d > 0);
    // A word may have spaces, and before it there is no number.
    let longer = |word: &str| word.rsplit_once(SPACES).is_some_and(|(_, last)| last.parse::<f32>().is_ok());
    let Some(word) = word.filter(|word| !longer(word)) else {
        let found = line.split(SPACES).count().saturating_sub(1);
        return Err(format!("found {found} numbers, expected {} after a word", d.max(1)));
    };
    let Some(places) = wanted.get(&normalised(word)) else { return Ok(()) };
    let mut vector = Vec::with_capacity(d);
    for field in numbers.take(d) {
        let number = field.parse::<f32>().ok().filter(|number| number.is_finite());
        vector.push(number.ok_or_else(|| format!("found {field:?}, expected a number"))?);
    }
    vector.reverse();
    for &(column, token) in places {
        // Words that differ in case are one here: the first is the most frequent.
        columns[column][token].get_or_insert_with(|| vector.clone());
    }
    Ok(())
}

/// Vectors of a tokenizer's tokens, in their order.
fn by_token(path: &str, tokenizers: &[&Tokenizer]) -> Result<Vectors> {
    let bytes = atomic::read(Path::new(path)).map_err(|error| unread(path, &error))?;
    let wrong = |message: String, fix: &str| Err(Error::data(message).at(path).fix(fix));
    let tensors = foreign::tensors(&bytes, path)?;
    let Some(tensor) = tensors.iter().find(|tensor| tensor.name == TENSOR) else {
        let names: Vec<&str> = tensors.iter().map(|tensor| tensor.name.as_str()).collect();
        return wrong(format!("found tensors {names:?}, expected {TENSOR:?}"), "name the vectors so");
    };
    let (&[rows, dimension], Some(numbers)) = (&tensor.shape[..], tensor.numbers()) else {
        let found = format!("{TENSOR:?} is of shape {:?} and kind {}", tensor.shape, tensor.dtype());
        return wrong(found, "store vectors of numbers with a point, a row for each token");
    };
    if dimension == 0 || numbers.iter().any(|number| !number.is_finite()) {
        return wrong("found a vector without numbers or with infinite ones".into(), "store finite numbers");
    }
    let most = tokenizers.iter().map(|tokenizer| tokenizer.count() - 1).max().unwrap_or(0);
    if rows < most {
        let fix = "name the tokenizer of these vectors with [tokenizer]";
        return wrong(format!("found vectors of {rows} tokens, expected {most}, as many as the tokenizer has"), fix);
    }
    let vector = |token: usize| numbers[token * dimension..][..dimension].iter().map(|x| *x as f32).collect();
    let of_column = |tokenizer: &&Tokenizer| {
        let each = (0..tokenizer.count() - 1).map(|token| Some(vector(token)));
        std::iter::once(None).chain(each).collect()
    };
    Ok(Vectors { dimension, columns: tokenizers.iter().map(of_column).collect() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words() -> Tokenizer {
        Tokenizer::Words(["good", "bad", "café"].map(String::from).to_vec().into())
    }

    fn read(text: &str) -> Result<Vectors> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("v.txt");
        std::fs::write(&path, text).unwrap();
        by_word(path.to_str().unwrap(), &[&words()])
    }

    #[test]
    fn words_are_found_in_either_format() {
        for text in [
            "the 9 9\ngood 1 2.5\nCAFÉ -1 1e-3\nGood 7 7\n. . . 4 4\n",
            "4 2\nthe 9 9 \ngood 1 2.5 \ncafe\u{301} -1 1e-3 \nGood 7 7 \n",
        ] {
            let vectors = read(text).unwrap();
            let none = || None;
            assert_eq!(vectors.dimension, 2);
            let expected = [none(), none(), Some(vec![1.0, 2.5]), none(), Some(vec![-1.0, 1e-3])];
            assert_eq!(vectors.columns, [expected.to_vec()], "{text}");
        }
    }

    #[test]
    fn lines_that_are_no_vectors_are_named() {
        for (text, line, part) in [
            ("a 1 2\ngood 1\n", 2, "found 1 numbers, expected 2"),
            ("a 1 2\ngood 1 2 3\n", 2, "found 3 numbers, expected 2"),
            ("3 2\na 1 2\nb 1\n", 3, "found 1 numbers"),
            ("a 1 2\ngood 1 x\n", 2, "found \"x\", expected a number"),
            ("a 1 2\ngood 1 inf\n", 2, "expected a number"),
            ("good\n", 1, "expected 1 after a word"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.message.contains(part), "{text}: {error}");
            assert!(error.place.unwrap().ends_with(&format!("v.txt, line {line}")));
        }
        assert!(by_word("nowhere.txt", &[&words()]).unwrap_err().to_string().contains("nowhere.txt"));
    }

    #[test]
    fn vectors_of_tokens_are_in_their_order() {
        let file = |name: &str, rows: usize| {
            let header =
                format!(r#"{{"{name}":{{"dtype":"F32","shape":[{rows},2],"data_offsets":[0,{}]}}}}"#, rows * 8);
            let numbers: Vec<u8> = (0..rows * 2).flat_map(|i| (i as f32).to_le_bytes()).collect();
            [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &numbers].concat()
        };
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("v.safetensors");
        let read = |bytes: Vec<u8>| {
            std::fs::write(&path, bytes).unwrap();
            by_token(path.to_str().unwrap(), &[&words()])
        };
        let vectors = read(file("embeddings", 5)).unwrap();
        assert_eq!((vectors.dimension, &vectors.columns[0][0]), (2, &None));
        assert_eq!(vectors.columns[0][2], Some(vec![2.0, 3.0]));
        assert!(read(file("embeddings", 2)).unwrap_err().message.contains("of 2 tokens, expected 4"));
        assert!(read(file("weights", 5)).unwrap_err().message.contains("expected \"embeddings\""));
        assert!(read(b"no such file".to_vec()).is_err());
    }
}
