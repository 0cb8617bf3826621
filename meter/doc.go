// Package meter measures what apps use and keeps it: a sample of each instance every minute, in append-only files
// outside of the database.
//
// The samples of one day (UTC) are one file, a segment:
//
//	<data>/usage/2026-11-27.4f0c2a91d6be7703.usage
//
// A day is what retention works with: 30 days later the whole segment becomes one sum per app environment, kept for
// ever in the ledger, and the file goes. Its name is unique, so that the ledger adds each segment once, even when we
// are killed before the file is gone.
//
// The last hour is in memory as well, by app environment: that is what pages show, and what Figures compares once for
// all who watch. Everything older is read from the segments since a day.
//
// A segment is a sequence of blocks, each of which holds the samples of one call of Add:
//
//	mark "cus1" · length of the payload · CRC-32C of length and payload (4 bytes each, little endian) · payload
//
// A block that a kill or a power cut tore is not there; what is damaged in the middle of a file costs the damaged
// blocks, since readers go on at the next mark. All numbers of a payload but the dictionary are variable-length
// integers:
//
//	dictionary (8 bytes) · time, Unix ms · how many definitions
//	a definition: number · instance · app · environment, each after its length
//	a sample, until the end: number · ms after the block's time · processor ms · memory · received · sent · requests
//
// A number stands for an instance in the blocks of the same dictionary, at and after its definition. A new dictionary
// begins with each hour, with each process and after a failed write: a lost definition costs samples and never gives
// them to another app.
//
// Each block is synced as it is written: a power cut loses the minute that was being written.
package meter
