//! Apache Parquet: the columns of the comma-separated values with types, compressed, in groups of a bounded number of
//! rows.

use std::{
    io::{self, Write},
    sync::{Arc, mpsc},
};

use model::spend_reports::SpendExportRow;
use parquet::{
    basic::Compression,
    data_type::{ByteArray, ByteArrayType, DataType, Int64Type},
    file::{
        properties::WriterProperties,
        writer::{SerializedFileWriter, SerializedRowGroupWriter},
    },
    schema::parser::parse_message_type,
};

use super::{EncodeError, Encoder, Place};

/// How many rows a group holds, which are in memory until it is written.
const GROUP_ROWS: usize = 10_000;

/// Ids are texts, amounts are micro-dollars, instants are UTC. Without a known price there is no cost.
const SCHEMA: &str = "message spend {
    required binary user_id (UTF8);
    required binary username (UTF8);
    optional binary group_id (UTF8);
    required binary group_name (UTF8);
    required binary organization_id (UTF8);
    required binary organization_name (UTF8);
    required binary model (UTF8);
    required binary provider (UTF8);
    required binary provider_name (UTF8);
    required int64 input_tokens;
    required int64 output_tokens;
    required int64 cache_read_tokens;
    required int64 cache_write_tokens;
    optional int64 cost_micros;
    required int64 period_start (TIMESTAMP(MICROS, true));
    required int64 period_end (TIMESTAMP(MICROS, true));
    required int64 request_count;
    required int64 unpriced_count;
}";

/// Hands on what is written to it.
#[derive(Debug)]
struct Pipe(mpsc::Sender<Vec<u8>>);

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0
            .send(bytes.to_vec())
            .map_err(|_gone| io::ErrorKind::BrokenPipe)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

type Group<'a> = SerializedRowGroupWriter<'a, Pipe>;

pub(super) struct Parquet {
    place: Place,
    writer: Option<SerializedFileWriter<Pipe>>,
    written: Option<mpsc::Receiver<Vec<u8>>>,
    rows: Vec<SpendExportRow>,
}

impl Parquet {
    pub(super) const fn new(place: Place) -> Self {
        Self {
            place,
            writer: None,
            written: None,
            rows: Vec::new(),
        }
    }

    /// What was written since.
    fn take(&self) -> Vec<u8> {
        let written = self.written.as_ref();
        written
            .into_iter()
            .flat_map(mpsc::Receiver::try_iter)
            .flatten()
            .collect()
    }

    /// Writes the rows that are there as a group.
    fn group(&mut self, rows: &[SpendExportRow]) -> Result<(), EncodeError> {
        let writer = self.writer.as_mut().ok_or("the file has not begun")?;
        let mut group = writer.next_row_group()?;
        columns(&mut group, &self.place, rows)?;
        group.close()?;
        Ok(())
    }
}

/// In the order of the schema.
fn columns(
    group: &mut Group<'_>,
    place: &Place,
    rows: &[SpendExportRow],
) -> Result<(), EncodeError> {
    let organization = place.organization_id.to_string();
    texts(group, rows, |row| row.user_id.to_string().into_bytes())?;
    texts(group, rows, |row| row.username.clone().into_bytes())?;
    optional::<ByteArrayType>(group, rows, |row| {
        let id = row.group_id?.to_string();
        Some(ByteArray::from(id.into_bytes()))
    })?;
    texts(group, rows, |row| row.group_name.clone().into_bytes())?;
    texts(group, rows, |_| organization.clone().into_bytes())?;
    texts(group, rows, |_| {
        place.organization_name.clone().into_bytes()
    })?;
    texts(group, rows, |row| row.model.clone().into_bytes())?;
    texts(group, rows, |row| row.provider.clone().into_bytes())?;
    texts(group, rows, |row| row.provider_name.clone().into_bytes())?;
    numbers(group, rows, |row| row.input_tokens)?;
    numbers(group, rows, |row| row.output_tokens)?;
    numbers(group, rows, |row| row.cache_read_tokens)?;
    numbers(group, rows, |row| row.cache_write_tokens)?;
    optional::<Int64Type>(group, rows, |row| row.cost.map(|cost| cost.0))?;
    numbers(group, rows, |row| row.period.start.timestamp_micros())?;
    numbers(group, rows, |row| row.period.end.timestamp_micros())?;
    numbers(group, rows, |row| row.requests)?;
    numbers(group, rows, |row| row.unpriced)
}

fn texts(
    group: &mut Group<'_>,
    rows: &[SpendExportRow],
    of: impl Fn(&SpendExportRow) -> Vec<u8>,
) -> Result<(), EncodeError> {
    let values: Vec<ByteArray> = rows.iter().map(|row| ByteArray::from(of(row))).collect();
    column::<ByteArrayType>(group, &values, None)
}

fn numbers(
    group: &mut Group<'_>,
    rows: &[SpendExportRow],
    of: impl Fn(&SpendExportRow) -> i64,
) -> Result<(), EncodeError> {
    let values: Vec<i64> = rows.iter().map(of).collect();
    column::<Int64Type>(group, &values, None)
}

/// What is there, and for each row whether it is.
fn optional<T: DataType>(
    group: &mut Group<'_>,
    rows: &[SpendExportRow],
    of: impl Fn(&SpendExportRow) -> Option<T::T>,
) -> Result<(), EncodeError> {
    let all: Vec<Option<T::T>> = rows.iter().map(of).collect();
    let levels: Vec<i16> = all.iter().map(|value| i16::from(value.is_some())).collect();
    let values: Vec<T::T> = all.into_iter().flatten().collect();
    column::<T>(group, &values, Some(&levels))
}

fn column<T: DataType>(
    group: &mut Group<'_>,
    values: &[T::T],
    levels: Option<&[i16]>,
) -> Result<(), EncodeError> {
    let mut column = group.next_column()?.ok_or("the schema has fewer columns")?;
    column.typed::<T>().write_batch(values, levels, None)?;
    column.close()?;
    Ok(())
}

impl Encoder for Parquet {
    fn begin(&mut self) -> Result<Vec<u8>, EncodeError> {
        let (pipe, written) = mpsc::channel();
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_created_by("bursar".to_owned())
            .build();
        let schema = Arc::new(parse_message_type(SCHEMA)?);
        let writer = SerializedFileWriter::new(Pipe(pipe), schema, Arc::new(properties))?;
        self.writer = Some(writer);
        self.written = Some(written);
        Ok(self.take())
    }

    fn rows(&mut self, mut rows: Vec<SpendExportRow>) -> Result<Vec<u8>, EncodeError> {
        self.rows.append(&mut rows);
        if self.rows.len() >= GROUP_ROWS {
            let rows = std::mem::take(&mut self.rows);
            self.group(&rows)?;
        }
        Ok(self.take())
    }

    fn end(&mut self) -> Result<Vec<u8>, EncodeError> {
        let rows = std::mem::take(&mut self.rows);
        if !rows.is_empty() {
            self.group(&rows)?;
        }
        if let Some(writer) = self.writer.take() {
            writer.close()?;
        }
        Ok(self.take())
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Bytes;
    use parquet::{
        file::reader::{FileReader, SerializedFileReader},
        record::{Field, Row},
    };

    use super::{
        super::tests::{place, row},
        *,
    };

    /// Writes the rows, so many at a time, and reads the file.
    fn read(rows: &[SpendExportRow], at_a_time: usize) -> (usize, Vec<Row>) {
        let mut encoder = Parquet::new(place());
        let mut file = encoder.begin().unwrap();
        for some in rows.chunks(at_a_time) {
            file.append(&mut encoder.rows(some.to_vec()).unwrap());
            assert!(encoder.rows.len() < GROUP_ROWS);
        }
        file.append(&mut encoder.end().unwrap());
        let reader = SerializedFileReader::new(Bytes::from(file)).unwrap();
        let rows = reader.get_row_iter(None).unwrap();
        (reader.num_row_groups(), rows.map(Result::unwrap).collect())
    }

    #[test]
    fn what_is_written_is_read_again() {
        assert_eq!(read(&[], 1), (0, Vec::new()));
        let unpriced = SpendExportRow {
            group_id: None,
            cost: None,
            ..row()
        };
        let (groups, rows) = read(&[row(), unpriced], 1);
        assert_eq!((groups, rows.len()), (1, 2));
        let cell = |row: usize, name: &str| {
            let mut columns = rows[row].get_column_iter();
            let (_, field) = columns.find(|(known, _)| *known == name).unwrap();
            field.clone()
        };
        let text = |text: &str| Field::Str(text.to_owned());
        assert_eq!(
            cell(0, "user_id"),
            text("00000000-0000-0000-0000-000000000001")
        );
        assert_eq!(
            cell(0, "group_id"),
            text("00000000-0000-0000-0000-000000000002")
        );
        assert_eq!(cell(0, "organization_name"), text("acme"));
        assert_eq!(cell(0, "provider_name"), text("main"));
        assert_eq!(cell(0, "output_tokens"), Field::Long(20));
        assert_eq!(cell(0, "cost_micros"), Field::Long(1_500_001));
        assert_eq!(
            cell(0, "period_start"),
            Field::TimestampMicros(1_793_491_200_000_000)
        );
        assert_eq!(cell(0, "unpriced_count"), Field::Long(1));
        assert_eq!(cell(1, "group_id"), Field::Null);
        assert_eq!(cell(1, "cost_micros"), Field::Null);
    }

    #[test]
    fn groups_are_bounded() {
        let many = vec![row(); 2 * GROUP_ROWS + 500];
        let (groups, rows) = read(&many, 1_000);
        assert_eq!((groups, rows.len()), (3, 2 * GROUP_ROWS + 500));
    }
}
