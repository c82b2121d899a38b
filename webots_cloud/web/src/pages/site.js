// What both pages know of the site: its projects and servers, from /projects.json of the website host.

/**
 * @returns {Promise<{sessionServer: string, projects: object[], user: object}>} with the session server filled in.
 * @throws {Error} with a sentence for the visitor.
 */
export async function readSite() {
  let site;
  try {
    const response = await fetch("projects.json", { cache: "no-store", credentials: "same-origin" });
    site = response.ok ? await response.json() : null;
  } catch {
    site = null;
  }
  if (!Array.isArray(site?.projects)) {
    throw new Error("The list of simulations cannot be read from this website. Please try again later.");
  }
  const sessionServer = (site.sessionServer || nearbySessionServer()).replace(/\/+$/, "");
  return { sessionServer, projects: site.projects, user: site.user ?? {} };
}

/** The session server of the host that the page came from; browsers let an encrypted page have an encrypted one only. */
function nearbySessionServer() {
  return location.protocol === "https:" ? `wss://${location.host}/1999` : `ws://${location.hostname}:1999`;
}

/** The world of a project that opens first. */
export function firstWorld(project) {
  return project.world || project.worlds?.[0] || `${project.name}.wbt`;
}
