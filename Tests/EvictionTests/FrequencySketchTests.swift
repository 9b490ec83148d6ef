import Eviction
import Testing

struct FrequencySketchTests {
    @Test func theSketchForgets() {
        var sketch = FrequencySketch(capacity: 64)
        for _ in 0..<10 { sketch.add(1) }
        #expect(sketch.frequency(1) >= 10)
        #expect(sketch.frequency(2) <= 1)
        for hash in 100..<2000 as Range<UInt64> { sketch.add(hash) }
        #expect(sketch.frequency(1) < 10)
    }
}
