// The related box of a static page, from the JSON files that `recommender export related/` writes.
//
//   <nav data-related="news/2025/flood.html" data-lists="/related/" data-most="5" hidden>
//     <h2>Related</h2>
//   </nav>
//   <script src="/related.js" defer></script>
//
// data-related is the article's id: for a source of HTML pages the path of the page below its
// folder. Without a list, or when it cannot be read, the box stays hidden.

"use strict";

async function fileName(id) {
  const bytes = new TextEncoder().encode(id);
  const plain = Array.from(bytes, (byte, place) => {
    const character = String.fromCharCode(byte);
    const stays = /[a-z0-9._-]/.test(character) && !(place === 0 && character === ".");
    return stays ? character : "=" + byte.toString(16).padStart(2, "0");
  }).join("");
  if (plain.length <= 200) return plain + ".json";
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return "~" + Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("") + ".json";
}

async function fillBox(box) {
  const answer = await fetch(box.dataset.lists + (await fileName(box.dataset.related)));
  if (!answer.ok) return;
  const items = (await answer.json()).items.slice(0, Number(box.dataset.most || 5));
  const list = document.createElement("ul");
  for (const item of items) {
    // Addresses in the lists are of the web or relative; text is never read as HTML.
    const link = document.createElement("a");
    link.href = item.url;
    link.textContent = item.title;
    list.appendChild(document.createElement("li")).appendChild(link);
  }
  if (items.length) {
    box.append(list);
    box.hidden = false;
  }
}

for (const box of document.querySelectorAll("[data-related]")) {
  fillBox(box).catch((error) => console.warn("related articles:", error));
}
