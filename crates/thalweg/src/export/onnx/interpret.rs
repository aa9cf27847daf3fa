//! An interpreter for the nodes that handle tables: tensor runtimes in Rust do not support strings and 64-bit floats.
//!
//! Every tensor here is rows × columns, one constant row for all rows, or a scalar.

use std::collections::HashMap;

use super::proto::{Attribute, DataType, Node, Tensor};
use crate::{Error, Result};

/// A tensor.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    /// Numbers; those of 32 bits are rounded accordingly.
    Numbers { kind: DataType, columns: usize, numbers: Vec<f64> },
    /// Strings.
    Texts { columns: usize, texts: Vec<String> },
}

impl Value {
    pub(super) fn numbers(&self) -> Result<&[f64]> {
        match self {
            Value::Numbers { numbers, .. } => Ok(numbers),
            Value::Texts { .. } => Err(Error::internal("found texts, expected numbers")),
        }
    }

    fn columns(&self) -> usize {
        match self {
            Value::Numbers { columns, .. } | Value::Texts { columns, .. } => *columns,
        }
    }

    fn kind(&self) -> DataType {
        match self {
            Value::Numbers { kind, .. } => *kind,
            Value::Texts { .. } => DataType::String,
        }
    }
}

fn made(kind: DataType, columns: usize, numbers: impl Iterator<Item = f64>) -> Value {
    let numbers = match kind {
        DataType::Float => numbers.map(|x| f64::from(x as f32)).collect(),
        _ => numbers.collect(),
    };
    Value::Numbers { kind, columns, numbers }
}

/// Runs nodes in order on values by name, and adds their outputs to these.
pub(super) fn run<'a>(
    nodes: impl IntoIterator<Item = &'a Node>,
    constants: &[Tensor],
    values: &mut HashMap<String, Value>,
) -> Result<()> {
    for node in nodes {
        for constant in constants.iter().filter(|constant| node.input.contains(&constant.name)) {
            values.insert(constant.name.clone(), read(constant));
        }
        let inputs: Option<Vec<&Value>> = node.input.iter().map(|name| values.get(name)).collect();
        let inputs = inputs.ok_or_else(|| Error::internal(format!("{} lacks an input", node.name)))?;
        let value = step(node, &inputs).map_err(|error| error.at(node.name.clone()))?;
        values.insert(node.output[0].clone(), value);
    }
    Ok(())
}

fn read(tensor: &Tensor) -> Value {
    let columns = tensor.dims.last().map_or(1, |&n| n as usize);
    let eight = || tensor.raw_data.as_chunks().0.iter();
    match DataType::try_from(tensor.data_type) {
        Ok(DataType::Double) => made(DataType::Double, columns, eight().map(|x| f64::from_le_bytes(*x))),
        Ok(DataType::Int64) => made(DataType::Int64, columns, eight().map(|x| i64::from_le_bytes(*x) as f64)),
        Ok(DataType::String) => {
            let texts = tensor.string_data.iter().map(|text| String::from_utf8_lossy(text).into_owned());
            Value::Texts { columns, texts: texts.collect() }
        }
        _ => {
            let four = tensor.raw_data.as_chunks().0.iter();
            made(DataType::Float, columns, four.map(|x| f64::from(f32::from_le_bytes(*x))))
        }
    }
}

fn step(node: &Node, inputs: &[&Value]) -> Result<Value> {
    let x = inputs[0];
    let (kind, columns) = (x.kind(), x.columns());
    let option = |name: &str| node.attribute.iter().find(|attribute| attribute.name == name);
    let number = |name: &str| option(name).and_then(|attribute| attribute.i).unwrap_or(0);
    let one = |f: fn(f64) -> f64| Ok(made(kind, columns, x.numbers()?.iter().map(|&x| f(x))));
    let two = |kind: DataType, f: fn(f64, f64) -> f64| {
        let (a, b) = (x.numbers()?, inputs[1].numbers()?);
        let columns = columns.max(inputs[1].columns());
        let pair = |i: usize| f(a[i % a.len()], b[i % b.len()]);
        Ok(made(kind, columns, (0..a.len().max(b.len())).map(pair)))
    };
    let truth = |is: bool| f64::from(u8::from(is));
    match node.op_type.as_str() {
        "Identity" => Ok(x.clone()),
        "Sub" => two(kind, |a, b| a - b),
        "Add" => two(kind, |a, b| a + b),
        "Mul" => two(kind, |a, b| a * b),
        "Div" => two(kind, |a, b| a / b),
        "Max" => two(kind, f64::max),
        "Min" => two(kind, f64::min),
        "Equal" => two(DataType::Bool, |a, b| f64::from(u8::from(a == b))),
        "LessOrEqual" => two(DataType::Bool, |a, b| f64::from(u8::from(a <= b))),
        "GreaterOrEqual" => two(DataType::Bool, |a, b| f64::from(u8::from(a >= b))),
        "Sqrt" => one(f64::sqrt),
        "Floor" => one(f64::floor),
        "Sin" => one(f64::sin),
        "Cos" => one(f64::cos),
        "IsNaN" => Ok(made(DataType::Bool, columns, x.numbers()?.iter().map(|x| truth(x.is_nan())))),
        "Clip" => {
            let [low, high] = [inputs[1].numbers()?[0], inputs[2].numbers()?[0]];
            Ok(made(kind, columns, x.numbers()?.iter().map(|x| x.clamp(low, high))))
        }
        "Where" => {
            let (condition, a, b) = (x.numbers()?, inputs[1].numbers()?, inputs[2].numbers()?);
            let pick = |i: usize| if condition[i] != 0.0 { a[i % a.len()] } else { b[i % b.len()] };
            Ok(made(inputs[1].kind(), columns, (0..condition.len()).map(pick)))
        }
        "Cast" => {
            let to = DataType::try_from(number("to") as i32).unwrap_or_default();
            Ok(made(to, columns, x.numbers()?.iter().copied()))
        }
        "Concat" => concat(inputs),
        "Gather" if number("axis") == 1 => {
            let (x, of) = (x.numbers()?, inputs[1].numbers()?);
            let rows = x.chunks_exact(columns.max(1));
            Ok(made(kind, of.len(), rows.flat_map(|row| of.iter().map(|&column| row[column as usize]))))
        }
        "Gather" => {
            let of = inputs[1].numbers()?.iter().map(|&at| at as usize);
            Ok(match x {
                Value::Numbers { kind, numbers, .. } => made(*kind, 1, of.map(|at| numbers[at])),
                Value::Texts { texts, .. } => {
                    Value::Texts { columns: 1, texts: of.map(|at| texts[at].clone()).collect() }
                }
            })
        }
        "ArgMax" => {
            let last = number("select_last_index") != 0;
            let best = |row: &[f64]| {
                (0..row.len()).fold(
                    0,
                    |best, i| {
                        if row[i] > row[best] || (last && row[i] == row[best]) { i } else { best }
                    },
                ) as f64
            };
            Ok(made(DataType::Int64, 1, x.numbers()?.chunks_exact(columns).map(best)))
        }
        "LabelEncoder" => {
            let Value::Texts { texts, .. } = x else { return Err(Error::internal("found numbers, expected texts")) };
            let keys = option("keys_strings").map_or(&[][..], |keys| &keys.strings);
            let (kind, values, default) = table(option("values_int64s"), option("values_floats"), &option);
            let table: HashMap<&[u8], f64> = keys.iter().map(Vec::as_slice).zip(values).collect();
            Ok(made(kind, columns, texts.iter().map(|text| *table.get(text.as_bytes()).unwrap_or(&default))))
        }
        other => Err(Error::internal(format!("no {other} is known for tables"))),
    }
}

/// A lookup table's values: their type, one for each key, and the default.
fn table<'a>(
    integers: Option<&Attribute>,
    floats: Option<&Attribute>,
    option: &impl Fn(&str) -> Option<&'a Attribute>,
) -> (DataType, Vec<f64>, f64) {
    match integers {
        Some(values) => {
            let default = option("default_int64").and_then(|default| default.i).unwrap_or(-1);
            (DataType::Int64, values.ints.iter().map(|&x| x as f64).collect(), default as f64)
        }
        None => {
            let default = option("default_float").and_then(|default| default.f).unwrap_or(0.0);
            let values = floats.map_or(Vec::new(), |values| values.floats.iter().map(|&x| f64::from(x)).collect());
            (DataType::Float, values, f64::from(default))
        }
    }
}

fn concat(inputs: &[&Value]) -> Result<Value> {
    let columns: usize = inputs.iter().map(|x| x.columns()).sum();
    let rows = |len: usize| len / inputs[0].columns().max(1);
    Ok(match inputs[0] {
        Value::Texts { texts, .. } => {
            let mut joined = Vec::new();
            for row in 0..rows(texts.len()) {
                for x in inputs {
                    let Value::Texts { columns, texts } = x else {
                        return Err(Error::internal("found numbers, expected texts"));
                    };
                    joined.extend_from_slice(&texts[row * columns..(row + 1) * columns]);
                }
            }
            Value::Texts { columns, texts: joined }
        }
        Value::Numbers { kind, numbers, .. } => {
            let mut joined = Vec::with_capacity(rows(numbers.len()) * columns);
            for row in 0..rows(numbers.len()) {
                for x in inputs {
                    joined.extend_from_slice(&x.numbers()?[row * x.columns()..(row + 1) * x.columns()]);
                }
            }
            Value::Numbers { kind: *kind, columns, numbers: joined }
        }
    })
}
