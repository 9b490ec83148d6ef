/// One of a few words by which an operator says what happens: the raw values are those of `config.yaml`, in the order in which they are listed there.
///
/// Settings and the rooms that act on them share the value, so that no word is translated on its way.
package protocol Choice: CaseIterable, Equatable, Sendable, RawRepresentable<String> {}
