package page

// SafeNext is for the tests in page_test, which need a whole server around the pages.
var SafeNext = safeNext
