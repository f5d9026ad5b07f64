"use strict";

// Nothing inline, so that the page works under a content security policy without unsafe-inline.
window.addEventListener("DOMContentLoaded", () => {
  const place = document.getElementById("docs");
  window.SwaggerUIBundle({
    domNode: place,
    url: place.dataset.openapi,
    deepLinking: true,
    docExpansion: "list",
    defaultModelsExpandDepth: 0,
    tryItOutEnabled: true,
    validatorUrl: null,
    // The key stays in this tab's memory.
    persistAuthorization: false,
  });
});
