//! Parquet and Arrow files.

use std::sync::Arc;

use arrow_array::types::{Int8Type, Int32Type};
use arrow_array::*;
use arrow_ipc::writer::{FileWriter, IpcWriteOptions, StreamWriter};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use super::*;

fn days(house: &House) -> i32 {
    let [year, month, day] = house.built;
    let date = jiff::civil::date(year as i16, month as i8, day as i8);
    (date - jiff::civil::date(1970, 1, 1)).get_days()
}

fn batch(houses: &[House]) -> RecordBatch {
    let size: Float64Array = houses.iter().map(|house| house.size).collect();
    let town: DictionaryArray<Int8Type> = houses.iter().map(|house| house.town).collect();
    let built = Date32Array::from_iter_values(houses.iter().map(days));
    let sold: BooleanArray = houses.iter().map(|house| Some(house.sold)).collect();
    let price: Float64Array = houses.iter().map(|house| Some(house.price)).collect();
    let columns: [(&str, ArrayRef); 5] = [
        ("size", Arc::new(size)),
        ("town", Arc::new(town)),
        ("built", Arc::new(built)),
        ("sold", Arc::new(sold)),
        ("price", Arc::new(price)),
    ];
    RecordBatch::try_from_iter(columns).unwrap()
}

fn in_parquet(batches: &[RecordBatch], compression: Compression) -> Vec<u8> {
    let properties =
        WriterProperties::builder().set_compression(compression).set_max_row_group_row_count(Some(25)).build();
    let mut writer = ArrowWriter::try_new(Vec::new(), batches[0].schema(), Some(properties)).unwrap();
    batches.iter().for_each(|batch| writer.write(batch).unwrap());
    writer.into_inner().unwrap()
}

fn in_file(batches: &[RecordBatch], compression: Option<arrow_ipc::CompressionType>) -> Vec<u8> {
    let options = IpcWriteOptions::default().try_with_compression(compression).unwrap();
    let mut writer = FileWriter::try_new_with_options(Vec::new(), &batches[0].schema(), options).unwrap();
    batches.iter().for_each(|batch| writer.write(batch).unwrap());
    writer.finish().unwrap();
    writer.into_inner().unwrap()
}

fn in_stream(batches: &[RecordBatch]) -> Vec<u8> {
    let mut writer = StreamWriter::try_new(Vec::new(), &batches[0].schema()).unwrap();
    batches.iter().for_each(|batch| writer.write(batch).unwrap());
    writer.finish().unwrap();
    writer.into_inner().unwrap()
}

#[test]
fn parquet_and_arrow_give_what_csv_gives() {
    let folder = tempfile::tempdir().unwrap();
    let expected = seen(&write(&folder, "houses.csv", csv()));
    let houses = houses();
    let whole = [batch(&houses)];
    for (name, bytes) in [
        ("plain.parquet", in_parquet(&whole, Compression::UNCOMPRESSED)),
        ("snappy.parquet", in_parquet(&whole, Compression::SNAPPY)),
        ("zstd.bin", in_parquet(&whole, Compression::ZSTD(ZstdLevel::default()))),
        ("lz4.parquet", in_parquet(&whole, Compression::LZ4_RAW)),
        ("gzip.parquet", in_parquet(&whole, Compression::GZIP(Default::default()))),
        ("t.arrow", in_file(&whole, None)),
        ("t.feather", in_file(&whole, Some(arrow_ipc::CompressionType::LZ4_FRAME))),
        ("t.zst.arrow", in_file(&whole, Some(arrow_ipc::CompressionType::ZSTD))),
        ("t.arrows", in_stream(&whole)),
        ("t.zip", super::packed::zip(&[("t.parquet", &in_parquet(&whole, Compression::SNAPPY))])),
    ] {
        let path = write(&folder, name, bytes);
        assert_eq!(seen(&path), expected, "{name}");
        let data = load(&path, |config| {
            config.data.from_disk = Some(true);
            config.data.cache = Some(folder.path().to_str().unwrap().into());
        });
        let data = data.unwrap();
        assert_eq!(data.train_rows() + data.parts.dev.rows + data.parts.test.rows, 60, "{name}");
    }
}

fn column(name: &str, array: impl Array + 'static) -> (String, ArrayRef) {
    (name.into(), Arc::new(array))
}

#[test]
fn every_type_is_its_shortest_text() {
    let day = 86_400_i64;
    let columns = [
        column("tiny", Int8Array::from(vec![Some(-5), None])),
        column("large", UInt64Array::from(vec![u64::MAX, 1])),
        column("single", Float32Array::from(vec![0.1, f32::NAN])),
        column("double", Float64Array::from(vec![1e300, -2.0])),
        column("code", StringArray::from(vec!["007", "7"])),
        column("view", StringViewArray::from(vec![Some("x"), None])),
        column("money", Decimal128Array::from(vec![12345, -50]).with_precision_and_scale(10, 2).unwrap()),
        column("first", Date32Array::from(vec![-719_162, 2_932_896])),
        column("ms", Date64Array::from(vec![day * 1000, 1])),
        column("s", TimestampSecondArray::from(vec![-62_135_596_800, 253_402_300_799])),
        column("us", TimestampMicrosecondArray::from(vec![1_500_000, -1]).with_timezone("Europe/Berlin")),
        column("ns", TimestampNanosecondArray::from(vec![Some(1), None])),
        column("clock", Time64MicrosecondArray::from(vec![3_600_000_000, 1])),
        column("took", DurationMillisecondArray::from(vec![1500, -2000])),
        column("words", "a b".split(' ').collect::<DictionaryArray<Int32Type>>()),
        column("none", NullArray::new(2)),
        column("list", ListArray::from_iter_primitive::<Int32Type, _, _>([Some(vec![Some(1)]), None])),
        column("bytes", BinaryArray::from(vec![&b"\xff"[..], b"b"])),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let expected = [
        ["-5", ""],
        ["18446744073709551615", "1"],
        ["0.1", ""],
        ["1e300", "-2"],
        ["007", "7"],
        ["x", ""],
        ["123.45", "-0.50"],
        ["0001-01-01", "9999-12-31"],
        ["1970-01-02", "1970-01-01T00:00:00.001"],
        ["0001-01-01T00:00:00", "9999-12-31T23:59:59"],
        ["1970-01-01T00:00:01.5Z", "1969-12-31T23:59:59.999999Z"],
        ["1970-01-01T00:00:00.000000001", ""],
        ["01:00:00", "00:00:00.000001"],
        ["1.5", "-2"],
        ["a", "b"],
        ["", ""],
    ];
    let folder = tempfile::tempdir().unwrap();
    for bytes in [in_file(std::slice::from_ref(&batch), None), in_stream(std::slice::from_ref(&batch))] {
        let path = write(&folder, "t.arrow", bytes);
        let found = table(&path).unwrap();
        let cells: Vec<Vec<_>> = found.columns.iter().map(|column| column.iter().collect()).collect();
        assert_eq!(cells, expected);
        assert_eq!(format!("{:?}", found.columns[1].declaration()), "Texts");
        let Source::Table(reader) = source::open(path.to_str().unwrap(), &config::Data::default()).unwrap() else {
            panic!()
        };
        let told = &reader.decisions()[0].what;
        assert!(told.contains("\"list\"") && told.contains("\"bytes\""), "{told}");
    }
}

#[test]
fn what_cannot_be_read_is_told_with_its_row() {
    let column: ArrayRef = Arc::new(Date32Array::from(vec![0, 3_000_000]));
    let batch = RecordBatch::try_from_iter([("when", column)]).unwrap();
    let told = refused("t.parquet", in_parquet(std::slice::from_ref(&batch), Compression::SNAPPY));
    assert!(told.contains("row 2, column \"when\"") && told.contains("9999"), "{told}");
    assert!(refused("t.parquet", in_parquet(&[batch.slice(0, 0)], Compression::SNAPPY)).contains("no rows"));
    assert!(refused("t.arrow", in_file(&[batch.slice(0, 0)], None)).contains("no rows"));
    let lists: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>([Some(vec![Some(1)])]));
    let batch = RecordBatch::try_from_iter([("list", lists)]).unwrap();
    assert!(refused("t.arrow", in_stream(&[batch])).contains("no column holds plain values"));
}

#[test]
fn damaged_files_are_read_or_refused() {
    let batches = [batch(&houses()[..20])];
    survives_damage("t.parquet", &in_parquet(&batches, Compression::SNAPPY));
    survives_damage("z.parquet", &in_parquet(&batches, Compression::ZSTD(ZstdLevel::default())));
    survives_damage("t.arrow", &in_file(&batches, Some(arrow_ipc::CompressionType::LZ4_FRAME)));
    survives_damage("z.arrow", &in_file(&batches, Some(arrow_ipc::CompressionType::ZSTD)));
    survives_damage("t.arrows", &in_stream(&batches));
}
