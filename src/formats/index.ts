export { ByteWriter } from './byte-writer.ts'
export { type Compression, decompress } from './compression.ts'
export { listNames, type Naming } from './columns.ts'
export { csvCell } from './csv/cell.ts'
export { type CsvHeader, type CsvLayout, readHeader } from './csv/header.ts'
export { CsvRow, LF, MAX_ROW_BYTES, QUOTE, type Separator, SEPARATORS, tooLong } from './csv/row.ts'
export { CsvRows } from './csv/rows.ts'
export { CsvStream } from './csv/stream.ts'
export { InputError } from './errors.ts'
export {
  type Others,
  type ReadInstall,
  type ReadRow,
  type RowStream,
  type RowStreamOptions,
  USER_ID,
} from './install.ts'
export { type Format, FORMATS, formatOfName, type NamedFormat } from './names.ts'
export { NdjsonRows } from './ndjson/rows.ts'
export { NdjsonStream } from './ndjson/stream.ts'
export { ObjectReader, type ObjectRules } from './object-reader.ts'
export { type LeftOut, ParquetFile, type RandomBytes } from './parquet/file.ts'
export { ParquetRows } from './parquet/rows.ts'
export { writeElements } from './requests/elements.ts'
export { objectsIn, readFrames, type ReadObject } from './requests/frames.ts'
export { inputTensors, readTensors, type Tensor } from './requests/tensors.ts'
export { textBeginning } from './signatures.ts'
export { type RowSpan, widenedHeader, writeWidenedObject, writeWidenedRow } from './writers.ts'
