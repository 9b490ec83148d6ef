import Glibc

/// The moment in the form of the `Date` field (RFC 9110, section 5.6.7), made anew once a second.
struct HTTPDate {
    private static let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    private var second = time_t.min
    private var known = ""

    /// `Sun, 06 Nov 1994 08:49:37 GMT`.
    mutating func text(at now: time_t = time(nil)) -> String {
        guard now != second else { return known }
        var parts = tm()
        var moment = now
        gmtime_r(&moment, &parts)
        func two(_ number: Int32) -> String { (number < 10 ? "0" : "") + String(number) }
        second = now
        known =
            "\(Self.days[Int(parts.tm_wday)]), \(two(parts.tm_mday)) \(Self.months[Int(parts.tm_mon)]) \(parts.tm_year + 1900) "
            + "\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec)) GMT"
        return known
    }
}
