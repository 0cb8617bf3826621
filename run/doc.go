// Package run starts other programs; nothing else in Cloudsania does. A program is an argument vector, never a line for
// a shell, and shells are refused. Its environment holds what it is given and nothing of ours. It gets a process group
// of its own, which ends with the context, a time limit, a limit on its output, and where asked for limits on memory,
// processor and number of processes.
package run
