extension Settings {
    /// What a proxy that started with these settings makes of new ones while it runs.
    ///
    /// What must wait for the next start keeps its value, so that nothing is half in use: a proxy that listens on the network does not take its
    /// callers for those of a loopback address because the new file names one.
    ///
    /// - Returns: the settings to go by from now on, and the keys whose new values wait, as `section.key`.
    package func reloaded(as new: Settings) -> (inEffect: Settings, waiting: [String]) {
        var inEffect = new
        var waiting: [String] = []
        for (name, key) in SettingsCatalogue.sections.flatMap(\.named) where key.write(self) != key.write(new) && key.effect.waits(self, new) {
            key.transfer(self, &inEffect)
            waiting.append(name)
        }
        return (inEffect, waiting)
    }
}
