// A module without compiled functions gets no entry.
// RUN: %astra-opt %s --astra-emit-entry | %filecheck %s

// CHECK-NOT: astra_entry
llvm.func @helper() {
  llvm.return
}
