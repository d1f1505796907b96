// Open a page in Firefox and tell what it shows: node firefox.mjs FIREFOX PAGE HASH…
//
// Prints, a line a hash, JSON: the heading, whether there is a canvas that is no still picture, and what went wrong.
// With DISPLAY it is a Firefox with a window, which has WebGL; without, one that has none.
import puppeteer from "puppeteer-core";

const [firefox, page, ...hashes] = process.argv.slice(2);
const browser = await puppeteer.launch({
  browser: "firefox",
  executablePath: firefox,
  headless: !process.env.DISPLAY,
  // As a user's Firefox has it; what drives it here lets pages from a file fetch other files.
  extraPrefsFirefox: { "security.fileuri.strict_origin_policy": true },
});
try {
  for (const hash of hashes) {
    const tab = await browser.newPage();
    const errors = [];
    tab.on("pageerror", (error) => errors.push(String(error.message ?? error)));
    tab.on("console", (message) => {
      if (message.type() === "error") errors.push(message.text());
    });
    await tab.goto(page + hash);
    const heading = await tab.waitForSelector("#view h1, #view h2", { timeout: 30000 });
    const told = await heading.evaluate((element) => element.textContent);
    await new Promise((done) => setTimeout(done, 500)); // what comes after the heading may fail, too
    const canvas = await tab.$$eval("#view canvas:not([role=img])", (found) => found.length);
    console.log(JSON.stringify({ hash, heading: told, canvas, errors }));
    await tab.close();
  }
} finally {
  await browser.close();
}
