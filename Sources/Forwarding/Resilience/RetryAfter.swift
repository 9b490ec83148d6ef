import HTTPTypes
import SemanticCache

/// Reads how long an upstream asks to wait (RFC 9110, section 10.2.3): whole seconds or a date; `retry-after-ms` where it is given is finer.
enum RetryAfter {
    /// `nil` when nothing was asked, or nothing that can be understood. A moment that has passed is no wait.
    static func read(_ fields: HTTPFields, now: Timestamp) -> Duration? {
        if let text = fields[.retryAfterMilliseconds], let number = Double(text), number.isFinite, (0...1e9).contains(number) {
            return .milliseconds(Int64(number))
        }
        guard let text = fields[.retryAfter] else { return nil }
        if let seconds = Double(text) { return (0...1e9).contains(seconds) ? .milliseconds(Int64(seconds * 1000)) : nil }
        return date(text).map { max(.zero, $0 - now) }
    }

    /// A date such as `Sun, 06 Nov 1994 08:49:37 GMT`; the two obsolete forms are not read.
    private static func date(_ text: String) -> Timestamp? {
        let parts = text.split(separator: " ")
        guard parts.count == 6, parts[5] == "GMT", let day = Int64(parts[1]), (1...31).contains(day), let year = Int64(parts[3]),
            (1970...9999).contains(year), let month = months.firstIndex(of: String(parts[2]))
        else { return nil }
        let time = parts[4].split(separator: ":").compactMap { Int64($0) }
        guard time.count == 3, (0...23).contains(time[0]), (0...59).contains(time[1]), (0...60).contains(time[2]) else { return nil }
        // Days since 1970 of a date in a calendar whose years begin in March, so that the leap day comes last.
        let shifted = month < 2 ? year - 1 : year
        let dayOfYear = (153 * Int64((month + 10) % 12) + 2) / 5 + day - 1
        let days = shifted * 365 + shifted / 4 - shifted / 100 + shifted / 400 + dayOfYear - 719_468
        return Timestamp(milliseconds: (days * 86_400 + time[0] * 3600 + time[1] * 60 + time[2]) * 1000)
    }

    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
}

extension HTTPField.Name {
    // Valid tokens, so they can be made.
    fileprivate static let retryAfterMilliseconds = Self("retry-after-ms")!
}
