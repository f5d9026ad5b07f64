/* What the server gave the page: names, zones, the saved rules and what it found wrong with them. */
export const data = JSON.parse(document.getElementById("rules-data").textContent);

const pairs = (names) => Object.entries(names).sort((one, other) => one[1].localeCompare(other[1]));
export const COUNTRIES = pairs(data.countries);
export const LANGUAGES = pairs(data.languages);
export const DAYS = [[1, "Mon"], [2, "Tue"], [3, "Wed"], [4, "Thu"], [5, "Fri"], [6, "Sat"], [7, "Sun"]];
export const DAY_NAMES = { 1: "Monday", 2: "Tuesday", 3: "Wednesday", 4: "Thursday", 5: "Friday", 6: "Saturday", 7: "Sunday" };
export const SYSTEMS = [["ios", "iOS"], ["android", "Android"], ["windows", "Windows"], ["macos", "macOS"], ["linux", "Linux"], ["chromeos", "Chrome OS"], ["harmonyos", "HarmonyOS"]];
export const DEVICES = [["phone", "Phone"], ["tablet", "Tablet"], ["desktop", "Computer"], ["tv", "TV"], ["other", "Other"]];
export const CONTINENTS = [["EU", "Europe"], ["NA", "North America"], ["SA", "South America"], ["AS", "Asia"], ["AF", "Africa"], ["OC", "Oceania"], ["AN", "Antarctica"]];
export const STATUSES = [["0", "As the link (usual)"], ["301", "301, for ever"], ["302", "302, for now"], ["303", "303, by GET"], ["307", "307, for now, same method"], ["308", "308, for ever, same method"]];

const name = (list, value) => list.find(([key]) => key === value)?.[1] ?? String(value);
export const names = {
  country: (code) => data.countries[code] ?? code,
  language: (tag) => data.languages[tag] ?? (data.languages[tag.split("-")[0]] ? `${data.languages[tag.split("-")[0]]} (${tag})` : tag),
  os: (value) => name(SYSTEMS, value),
  device: (value) => name(DEVICES, value).toLowerCase().replace("tv", "TV"),
  continent: (value) => name(CONTINENTS, value),
  day: (number) => DAY_NAMES[number],
  zone: (zone) => zone.replaceAll("_", " "),
};
