/// libFuzzer's own `main`, which is linked and not used, asks for this name.
@_cdecl("LLVMFuzzerTestOneInput")
func unusedCallback(_ bytes: UnsafePointer<UInt8>?, _ size: Int) -> CInt { 0 }
