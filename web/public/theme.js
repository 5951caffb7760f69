// Before the first paint, so that nobody is blinded by the wrong theme. A file of its own for the content security policy.
(function () {
  var kept = "system";
  try {
    kept = localStorage.getItem("theme") || "system";
  } catch (_) {
    // Storage may be forbidden; then the system decides.
  }
  var dark = kept === "dark" || (kept !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.dataset.theme = dark ? "dark" : "light";
})();
