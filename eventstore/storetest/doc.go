// Package storetest holds event stores to their port: one suite of behaviour and faults ([Run]) and one of benchmarks
// ([Benchmark]) that every backend passes, and a store that fails on purpose ([Faulty]) for the tests of those who use
// a store.
//
// It knows the port and nothing else. What a backend cannot do is declared in its [Capabilities] and shows in the
// output of its tests.
package storetest
