// Package process builds ferry and runs it in processes of its own, as its users do: settings from
// the environment, an address that its log tells, signals, and memory as the kernel counts it.
package process
